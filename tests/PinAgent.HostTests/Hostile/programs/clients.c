// CLIENTS connections (100) to 127.0.0.1:PORT, each of which asks for PATHNAME again and again and never reads, or with READ as
// fast as it can. Whoever is thrown out comes back.
#include "tenant.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

static int connect_again(void)
{
    struct sockaddr_in agent = {
        .sin_family = AF_INET,
        .sin_port = htons(number("PORT", 0)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int smallest = 1, client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    // What the client's side of the kernel would take in isn't held by the agent.
    if (number("READ", 0) == 0)
        setsockopt(client, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest);
    if (client >= 0 && connect(client, (struct sockaddr *)&agent, sizeof agent) && errno != EINPROGRESS)
    {
        close(client);
        return -1;
    }
    return client;
}

// False where the agent has hung up.
static int read_all(int client)
{
    static char buffer[256 * 1024];
    ssize_t length;
    while ((length = recv(client, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
        ;
    return length < 0 && (errno == EAGAIN || errno == ENOTCONN);
}

int main(void)
{
    long reads = number("READ", 0);
    long count = number("CLIENTS", 100);
    int *clients = malloc(count * sizeof *clients);
    char request[512];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", text("PATHNAME", "/"));
    signal(SIGPIPE, SIG_IGN);
    for (long i = 0; i < count; i++)
        clients[i] = connect_again();
    ready();
    for (;;)
    {
        for (long i = 0; i < count; i++)
        {
            if (clients[i] < 0)
                clients[i] = connect_again();
            else if ((send(clients[i], request, length, 0) < 0 && errno != EAGAIN && errno != ENOTCONN) || (reads && !read_all(clients[i])))
            {
                close(clients[i]);
                clients[i] = -1;
            }
        }
        if (!reads)
            usleep(10 * 1000);
    }
}
