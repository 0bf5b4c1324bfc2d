"""Kernels: arrays in, arrays out. Compiled, no classes, no files, no memory of their own."""
