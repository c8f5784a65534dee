"""Ground floor: errors, safe files, progress. Imports nothing from the floors above."""
