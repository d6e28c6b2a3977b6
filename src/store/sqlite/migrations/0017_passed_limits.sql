-- Which limits of the desk's service levels it has passed: 1 for waiting, 2 for the first answer, 4 for attendance.
ALTER TABLE ticket ADD COLUMN passed_limits INTEGER;
