"""Run, resume and reconcile loads, and write what they leave behind."""
