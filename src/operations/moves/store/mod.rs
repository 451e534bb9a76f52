//! SQL of moves: what the directory says of one, what each database says of its part, and the rows on their way.

pub mod directory;
pub mod replica;
pub mod rows;
