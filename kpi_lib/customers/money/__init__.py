"""What customers pay and how long they stay: contracts, recurring revenue, churn, retention, lifetimes."""
