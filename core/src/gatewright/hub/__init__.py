"""Who is connected here, and who hears what: the subject index and fan-out."""
