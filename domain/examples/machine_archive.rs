//! Prints the archive of a product's scripts as user-data carries it, for tests that boot a machine without a Worker:
//! `machine_archive full_node|classroom`.

use kindling_domain::user_data::{CLASSROOM_ARCHIVE, FULL_NODE_ARCHIVE};

fn main() {
    let classroom = std::env::args().nth(1).as_deref() == Some("classroom");
    print!(
        "{}",
        if classroom {
            CLASSROOM_ARCHIVE
        } else {
            FULL_NODE_ARCHIVE
        }
    );
}
