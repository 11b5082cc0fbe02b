//! The program of all pages but the first.

fn main() {
    kindling_app::order();
}
