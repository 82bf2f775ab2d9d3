"""What an account's owner does with it: its keys, its balance, its statements. Below the doors, above the ports."""
