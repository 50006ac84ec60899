"""What each section of a notebook shows: results in, sentences, pictures and tables out."""
