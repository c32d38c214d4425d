"""The pages for administrators, over the operations of the catalogue."""
