new EventSource('/api/v1/events').addEventListener('message', () => {});
