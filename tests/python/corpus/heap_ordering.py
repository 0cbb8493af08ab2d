"""Comparison methods called from C: heapq, bisect, sort, list and tuple equality."""

import bisect
import heapq


class Job:
    def __init__(self, priority):
        self.priority = priority

    def __lt__(self, other):
        return self.priority < other.priority

    def __eq__(self, other):
        return isinstance(other, Job) and self.priority == other.priority


class Touchy:
    def __lt__(self, other):
        raise TypeError("cannot be ordered")


def main():
    jobs = []
    for priority in (5, 2, 8, 1, 9, 3):
        heapq.heappush(jobs, Job(priority))
    heapq.heapreplace(jobs, Job(4)), heapq.heappushpop(jobs, Job(0))
    heapq.nsmallest(2, jobs), heapq.nlargest(2, jobs, key=lambda job: job.priority)
    list(heapq.merge([Job(1), Job(4)], [Job(2)]))
    ordered = [heapq.heappop(jobs) for _ in range(len(jobs))]
    bisect.insort(ordered, Job(6))
    bisect.bisect_left(ordered, 5, key=lambda job: job.priority)
    ordered.sort(reverse=True)
    Job(1) in ordered, ordered.index(Job(8)), ordered.count(Job(3)), ordered == [1]
    try:
        sorted([Touchy(), Touchy()])
    except TypeError:
        return min(ordered)
