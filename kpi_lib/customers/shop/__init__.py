"""What customers order: baskets, carts, repeat orders, plans."""
