pub mod three;
