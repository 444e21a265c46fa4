"""The outbox: order, backing off, parking, redelivery after a crash."""
