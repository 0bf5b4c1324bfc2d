"""Other people's sounds: LV2 plugins, read by lilv and run from the compiled audio list."""
