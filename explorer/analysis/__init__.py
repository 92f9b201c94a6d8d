"""Statistics and measures over codes and pictures, in numpy; knows no torch."""
