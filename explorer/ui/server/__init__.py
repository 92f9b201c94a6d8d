"""What stands between the network and the page: who asks, how much may come, and which files are whose."""
