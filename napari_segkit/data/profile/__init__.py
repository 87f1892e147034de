"""What is in a dataset, and which of its images look wrong: measured, judged, shown.

::

    source.py    opens a dataset, or a folder of one per subset
    measure.py   one image and its mask -> `ImageFacts`; nothing larger is kept
    hashes.py    perceptual hashes; which images are copies of others
    rules.py     all `ImageFacts` -> `Suspect`s
    summary.py   all `ImageFacts` -> numbers and histograms (`Summary`)
    pictures.py  thumbnails of the suspects
    svg.py       plots
    page.py      one HTML file that needs nothing else
"""
