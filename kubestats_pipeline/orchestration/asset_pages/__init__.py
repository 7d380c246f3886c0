"""The contents of the pages of assets in the UI: data, numbers to plot, groups, versions, and where their code is."""
