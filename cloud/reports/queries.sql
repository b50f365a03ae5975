-- name: links
-- Lines in district order, with what the inventory says of them.
SELECT
    links.link,
    links.school,
    schools.name AS school_name,
    schools.name_en AS school_name_en,
    links.provider,
    links.contracted_bps
FROM links
JOIN schools USING (school)
WHERE links.retired_at IS NULL
ORDER BY links.position;
