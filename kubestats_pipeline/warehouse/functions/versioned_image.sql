-- The image whose tag is the version of a workload, or null where the version comes from elsewhere, such as a label.
-- parameter images: the images of the workload
-- parameter version: its version, or null
list_filter(images, lambda each: each.role = 'main' AND each.tag = version)[1].image
