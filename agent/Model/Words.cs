namespace PinAgent.Model;

/// <summary>Values in the words that people and programs see.</summary>
public static class Words
{
    /// <summary>The role's word: <c>vcpu</c>, <c>emulator</c>, <c>iothread</c>, <c>vhost</c>, <c>kvm-pit</c>, <c>helper</c>.</summary>
    public static string ToWord(this ThreadRole role) =>
        role switch
        {
            ThreadRole.Vcpu => "vcpu",
            ThreadRole.Emulator => "emulator",
            ThreadRole.IoThread => "iothread",
            ThreadRole.Vhost => "vhost",
            ThreadRole.KvmPit => "kvm-pit",
            _ => "helper",
        };
}
