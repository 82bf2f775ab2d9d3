// Makes the visit again from this site, with what stands behind `#`, which no server sees.
'use strict'

location.replace(document.documentElement.dataset.onward + location.hash)
