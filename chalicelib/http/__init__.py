"""What the API and the console share: calls, bodies, filters, pages, paging and exports."""
