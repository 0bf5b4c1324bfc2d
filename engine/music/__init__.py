"""What the machine plays: bars, chords, patterns, phrases: functions of a request."""
