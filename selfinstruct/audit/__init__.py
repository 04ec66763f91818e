"""What people find when they read: review sheets and rates."""
