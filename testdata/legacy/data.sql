-- Seven documents: a file that was put in twice and is in two collections, a page,
-- a text, and what went wrong there. The offsets of chunks are invented, as they
-- were there. The vector of the chunk with the id n points along dimension n.

INSERT INTO collections (id, name, description, created_at) VALUES
    (1, 'docs', 'Product documentation', '2025-06-01 12:00:00'),
    (2, 'My Notes', NULL, '2025-06-02 12:00:00');

INSERT INTO source_documents
    (id, filename, content, file_type, file_size, metadata, created_at, updated_at)
VALUES
    (1, 'guide.md', 'The first version of the guide.', 'md', 31,
     '{"filename": "guide.md", "file_path": "/srv/notes/guide.md", "file_type": "md"}',
     '2025-06-30 12:00:00', '2025-06-30 12:00:00'),
    (2, 'guide.md',
     E'# Guide\n\nInstall it with care. Then start it.\n\nThen configure it – gently.\n',
     'md', 77,
     '{"filename": "guide.md", "file_path": "/srv/notes/guide.md", "file_type": "md", "team": {"id": 7, "share": 0.1}}',
     '2025-07-01 12:00:00', '2025-07-02 12:00:00.123456'),
    (3, 'Start here', E'Welcome to the site.\n\nIt has pages about ducks.', 'web_page', 47,
     '{"source": "https://Docs.Example.org/start#top", "crawl_root_url": "https://docs.example.org", "crawl_depth": 1, "crawl_timestamp": "2025-07-03T06:30:00+00:00"}',
     '2025-07-03 12:00:00', '2025-07-03 12:00:00'),
    (4, E'Odd „title"\t🦀',
     E'  Zażółć 🦀 e\u0301 \u200f"quotes" ''single'' \\ backslash\ttab \u65E5\u672C\u8A9E\n', 'text', 60,
     '{}', '2025-07-04 12:00:00', '2025-07-04 12:00:00'),
    (5, 'Alone', 'Text whose embedding failed before it had a collection.', 'text', 55,
     '{}', '2025-07-05 12:00:00', '2025-07-05 12:00:00'),
    (6, 'Empty', '', 'text', 0, NULL, NULL, NULL),
    (7, 'Again and again', E'again\nagain\nagain', 'text', 17,
     '["not", "an", "object"]', 'infinity', '2025-07-07 12:00:00');

INSERT INTO document_chunks (id, source_document_id, chunk_index, content, char_start, char_end)
VALUES
    (1, 1, 0, 'The first version of the guide.', 0, 31),
    (2, 2, 0, E'# Guide\n\nInstall it with care. Then start it.', 0, 45),
    (3, 2, 1, E'Then start it.\n\nThen configure it – gently.', 800, 843),
    (4, 3, 0, E'Welcome to the site.\n\nIt has pages about ducks.', 0, 47),
    (5, 4, 0, E'Zażółć 🦀 e\u0301 \u200f"quotes" ''single'' \\ backslash\ttab \u65E5\u672C\u8A9E', 0, 58),
    (6, 7, 0, 'again', 0, 5),
    (7, 7, 1, 'again', 800, 805),
    (8, 7, 2, 'again', 1600, 1605);

INSERT INTO chunk_collections (chunk_id, collection_id) VALUES
    (1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (4, 1), (5, 2), (6, 2), (7, 2), (8, 2);

UPDATE document_chunks c SET embedding = (
    SELECT array_agg(CASE WHEN number = c.id THEN 1 ELSE 0 END ORDER BY number)::real[]::vector
    FROM generate_series(1, 1536) AS number
);
