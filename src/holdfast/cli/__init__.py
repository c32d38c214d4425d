"""`holdfast …`: every command an administrator types; see README.md."""
