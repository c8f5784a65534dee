"""What a network answers to: attribution in cells and in Fourier space."""
