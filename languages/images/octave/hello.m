printf("Hello from Octave!\n");
