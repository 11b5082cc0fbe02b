//! The pages: one module each, and an order's states below `order`.

pub mod landing;
pub mod nowhere;
pub mod order;
pub mod sign_in;
