int squared(int side);
