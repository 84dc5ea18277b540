namespace PinAgent.NativeInterop;

/// <summary>
/// The outcome of a system call: success, or the error number. Expected errors are values to compare;
/// only a caller that can't go on turns one into an exception.
/// </summary>
/// <param name="Errno">The error, <see cref="Errno.None"/> on success.</param>
public readonly record struct LinuxResult(Errno Errno)
{
    /// <summary>The call succeeded.</summary>
    public static LinuxResult Success => default;

    /// <summary>Whether the call succeeded.</summary>
    public bool IsSuccess => Errno == Errno.None;

    /// <summary>The result of the C call that has just answered <paramref name="returnValue"/>.</summary>
    /// <param name="returnValue">A negative value means failure, with the reason in errno.</param>
    internal static LinuxResult FromReturnValue(long returnValue) =>
        returnValue >= 0 ? Success : new LinuxResult((Errno)Tmds.Linux.LibC.errno);

    /// <summary>Throws if the call failed.</summary>
    /// <param name="attempt">What was tried, to begin the message with: <c>read /proc/1/mountinfo</c>.</param>
    /// <exception cref="IOException">The call failed, other than for a missing right.</exception>
    /// <exception cref="UnauthorizedAccessException">The call failed for a missing right.</exception>
    public void ThrowIfFailed(string attempt)
    {
        if (!IsSuccess)
        {
            throw ToException(attempt);
        }
    }

    /// <summary>The exception for this error: the one place where error numbers become exceptions.</summary>
    /// <param name="attempt">What was tried.</param>
    public Exception ToException(string attempt)
    {
        var message = $"{attempt}: {Errno.Describe()}";
        return Errno switch
        {
            Errno.EPERM or Errno.EACCES => new UnauthorizedAccessException(message),
            Errno.ENOENT => new FileNotFoundException(message),
            Errno.ENOTDIR => new DirectoryNotFoundException(message),
            Errno.ENAMETOOLONG => new PathTooLongException(message),
            _ => new IOException(message, (int)Errno),
        };
    }
}
