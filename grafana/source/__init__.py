"""The dashboards as code: `build.py` turns these modules and `queries/*.sql` into `dashboards/*.json`."""
