"""Read one sheet of an Excel workbook."""
