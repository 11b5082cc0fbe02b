//! The program of the first page.

/// The first page is downloaded before anything can be bought, and allocates little: a small allocator suits it better than a fast one.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

fn main() {
    kindling_app::shop();
}
