-- 1,000 runs of a playbook with 200 tasks on 10 hosts: 200,000 tasks and 2,000,000 results.
-- The binary values are {} and [], compressed by zlib, as ARA stores them.
BEGIN;
INSERT INTO file_contents (created, updated, sha1, contents) VALUES (now(), now(), 'a', '\x789cabae0500017500f9');
INSERT INTO playbooks (created, updated, started, name, ansible_version, server_version, status, arguments, path)
SELECT t, t, t, 'site', '2.18', '1.7.3', 'completed', '\x789cabae0500017500f9', '/srv/site.yml'
FROM (SELECT now() - i * interval '20 minutes' AS t FROM generate_series(1, 1000) AS i) AS times;
INSERT INTO files (created, updated, path, content_id, playbook_id)
SELECT p.created, p.updated, p.path, c.id, p.id FROM playbooks AS p, file_contents AS c;
INSERT INTO plays (created, updated, started, name, uuid, status, playbook_id)
SELECT created, updated, started, 'all', gen_random_uuid(), 'completed', id FROM playbooks;
INSERT INTO hosts (created, updated, name, facts, changed, failed, ok, skipped, unreachable, playbook_id)
SELECT created, updated, 'web' || i, '\x789cabae0500017500f9', 0, 0, 200, 0, 0, id FROM playbooks, generate_series(1, 10) AS i;
INSERT INTO tasks (created, updated, started, name, uuid, action, lineno, tags, handler, status, play_id, file_id, playbook_id)
SELECT p.created, p.updated, p.started, 'Task ' || i, gen_random_uuid(), 'command', i, '\x789c8b8e0500011500b9', false, 'completed',
  p.id, f.id, p.playbook_id
FROM plays AS p JOIN files AS f USING (playbook_id), generate_series(1, 200) AS i;
INSERT INTO results
  (created, updated, started, status, changed, ignore_errors, content, host_id, task_id, play_id, playbook_id)
SELECT t.created, t.updated, t.started, 'ok', false, false, '\x789cabae0500017500f9', h.id, t.id, t.play_id, t.playbook_id
FROM tasks AS t JOIN hosts AS h USING (playbook_id);
COMMIT;
ANALYZE;
