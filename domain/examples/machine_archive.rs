//! Prints the archive of the machine's scripts as user-data carries it, for tests that boot a machine without a Worker.

fn main() {
    print!("{}", kindling_domain::user_data::MACHINE_ARCHIVE);
}
