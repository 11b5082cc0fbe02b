//! The program of the first page.

fn main() {
    kindling_app::shop();
}
