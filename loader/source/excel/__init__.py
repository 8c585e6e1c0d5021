"""Read a sheet of an Excel workbook."""
