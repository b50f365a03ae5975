"""What every route shares: problems, pages, times, caching headers. Knows no domain; `cloud.api` assembles them."""
