//! Pieces of pages, each with one job.

pub mod address_field;
pub mod changing;
pub mod command;
pub mod copy;
pub mod countdown;
pub mod download;
pub mod field_error;
pub mod heading;
pub mod link;
pub mod notice;
pub mod one_window;
pub mod phases;
pub mod print;
pub mod qr;
pub mod reveal;
pub mod rich;
pub mod segments;
pub mod share;
pub mod steps;
pub mod system_choice;
pub mod value;
