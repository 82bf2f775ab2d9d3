"""Protocol classes by concern: the interfaces of sockets, stores and clocks for the packages above."""
