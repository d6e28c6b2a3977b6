//! Splitting long text without losing a character.
