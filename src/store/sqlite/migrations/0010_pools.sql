-- Lanes of each pool are found by themselves. The rule is that of `src/store/pools.rs`.
ALTER TABLE lane ADD COLUMN pool INTEGER GENERATED ALWAYS AS (
    CASE
        WHEN name GLOB 'ticket:*' THEN 0
        WHEN name GLOB 'reply:*' OR name GLOB 'slack:*' THEN 1
        WHEN name GLOB 'file:*' OR name GLOB 'own:file:*' THEN 2
        ELSE 3
    END) VIRTUAL;
CREATE INDEX lane_pool ON lane (pool, due);
DROP INDEX lane_due;
