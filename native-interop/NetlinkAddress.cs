using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop;

/// <summary>
/// The kernel's <c>struct sockaddr_nl</c> (<c>include/uapi/linux/netlink.h</c>): which of a netlink family's groups a socket
/// belongs to.
/// </summary>
internal readonly struct NetlinkAddress(uint groups)
{
    public readonly ushort Family = (ushort)AF_NETLINK;
    public readonly ushort Padding = 0;
    public readonly uint Port = 0;
    public readonly uint Groups = groups;

    /// <summary>Joins the groups.</summary>
    /// <param name="groups">The groups, a bit each.</param>
    public static unsafe LinuxResult Bind(int fd, uint groups)
    {
        var address = new NetlinkAddress(groups);
        return LinuxResult.FromReturnValue(bind(fd, (sockaddr*)&address, sizeof(NetlinkAddress)));
    }
}
