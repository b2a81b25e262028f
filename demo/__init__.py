"""What makes the demo live? Shoppers of the sample shop, who use it through its public API alone."""
