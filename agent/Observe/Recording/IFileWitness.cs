using PinAgent.NativeInterop;

namespace PinAgent.Observe.Recording;

/// <summary>Sees what is read of a machine.</summary>
internal interface IFileWitness
{
    /// <summary>A file was read, or couldn't be.</summary>
    /// <param name="path">Its path below the root.</param>
    /// <param name="content">Its bytes; valid during the call.</param>
    void SeeFile(string path, LinuxResult result, ReadOnlySpan<byte> content);

    /// <summary>A symbolic link was read, or couldn't be.</summary>
    /// <param name="path">Its path below the root.</param>
    /// <param name="target">Where it points to; valid during the call.</param>
    void SeeLink(string path, LinuxResult result, ReadOnlySpan<byte> target);
}
