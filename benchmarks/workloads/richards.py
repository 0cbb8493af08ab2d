"""An operating system in small: tasks of several kinds pass packets by priority."""

from collections import deque

from workloads import check

SCALE = 650

PACKETS = 60
HOPS = 6


class Packet:
    """What the tasks hand on to each other."""

    def __init__(self, number):
        """Make a packet that has gone nowhere."""
        self.number = number
        self.hops = 0


class Task:
    """Something the scheduler can run when a packet waits for it."""

    def __init__(self, scheduler, name, priority):
        """Register with the scheduler."""
        self.scheduler = scheduler
        self.name = name
        self.priority = priority
        self.inbox = deque()
        self.runs = 0
        scheduler.add(self)

    def is_ready(self):
        """Whether there is something to do."""
        return bool(self.inbox)

    def receive(self, packet):
        """Take a packet in."""
        self.inbox.append(packet)

    def run(self):
        """Deal with one packet."""
        self.runs += 1
        self.handle(self.inbox.popleft())

    def handle(self, packet):
        """Do the work of this kind of task."""
        raise NotImplementedError


class Worker(Task):
    """Stamps a packet and hands it to the next device."""

    def handle(self, packet):
        """Stamp and forward."""
        packet.hops += 1
        target = "disk" if packet.number % 2 else "network"
        self.scheduler.send(target, packet)


class Device(Task):
    """Sends a packet back until it has travelled enough."""

    def handle(self, packet):
        """Return the packet, or let it rest."""
        if packet.hops < HOPS:
            self.scheduler.send("worker", packet)
        else:
            self.scheduler.finish(packet)


class Scheduler:
    """Runs the ready task with the highest priority until none is ready."""

    def __init__(self):
        """Begin without tasks."""
        self.tasks = []
        self.by_name = {}
        self.finished = []

    def add(self, task):
        """Know a task, in order of priority."""
        self.by_name[task.name] = task
        self.tasks.append(task)
        self.tasks.sort(key=lambda known: -known.priority)

    def send(self, name, packet):
        """Put a packet into a task's inbox."""
        self.by_name[name].receive(packet)

    def finish(self, packet):
        """Take a packet out of the system."""
        self.finished.append(packet)

    def next_ready(self):
        """Find the task to run now; None when all are idle."""
        for task in self.tasks:
            if task.is_ready():
                return task
        return None

    def run(self):
        """Run tasks until all are idle."""
        while (task := self.next_ready()) is not None:
            task.run()


def simulate():
    """Send all packets through a machine of three tasks."""
    scheduler = Scheduler()
    worker = Worker(scheduler, "worker", 1)
    Device(scheduler, "disk", 3)
    Device(scheduler, "network", 2)
    for number in range(PACKETS):
        scheduler.send("worker", Packet(number))
    scheduler.run()
    return len(scheduler.finished), worker.runs


def main(scale):
    """Simulate the machine, once per unit."""
    finished = handled = 0
    for _ in range(scale):
        packets, runs = simulate()
        finished += packets
        handled += runs
    return check((finished, handled), (PACKETS * scale, PACKETS * HOPS * scale))
