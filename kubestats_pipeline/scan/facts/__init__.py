"""Facts about one resource: charts, versions, images, contexts.

`Facts` is here for one more version because other packages imported it so: import it from `kubestats_pipeline.plugins`.
"""

from kubestats_pipeline.scan.facts.facts import Facts as Facts
